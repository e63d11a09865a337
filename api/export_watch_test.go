package api

// ParsePlace reads a token of a link.
var ParsePlace = parsePlace
