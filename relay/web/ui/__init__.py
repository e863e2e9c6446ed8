"""Code that all pages share: forms, icons, times, error pages, middleware."""
