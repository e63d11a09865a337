package server

// InWords says what a text must be that does not match a pattern of the contract.
var InWords = inWords
