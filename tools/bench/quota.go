package main

// quotaFlags have the server keep to Google's limits, which it does not by itself of a server that is not Google's.
var quotaFlags = []string{"--quota-user-reads", "60", "--quota-user-writes", "60", "--quota-project-reads", "300", "--quota-project-writes", "300"}
