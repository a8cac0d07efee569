"""Activities of recipients and web shops: mailings, forms, orders."""
