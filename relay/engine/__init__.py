"""Operations that change several rows together; no other package does."""
