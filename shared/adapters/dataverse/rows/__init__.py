"""Operations on the other tables, one module each."""
