"""Marketing lists become lists of the marketing platform, in resumable steps."""
