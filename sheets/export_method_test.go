package sheets

// MethodOf is methodOf.
var MethodOf = methodOf
