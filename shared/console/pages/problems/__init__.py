"""Problems: dead letters by cause, which of them a reader chose, and what became of those that were put back."""
