"""Templates of the causes of errors, by what was asked: Dataverse, Spotler, the state, or the work itself."""
