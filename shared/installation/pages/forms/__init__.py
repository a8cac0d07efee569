"""Forms: own tabs merged into existing forms, own forms built whole. Pure XML work."""
