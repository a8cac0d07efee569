"""A Dataverse organisation on this machine: the Web API over real HTTP, and a service endpoint that posts its saves."""
