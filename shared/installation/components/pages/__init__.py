"""What users see in Dynamics: web resources, and what is built on them."""
