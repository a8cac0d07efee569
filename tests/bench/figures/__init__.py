"""What benchmarks measure: figures, their baseline, plots, and the page that shows them."""
