"""What recipients and web shops do: mailings, forms, orders."""
