"""Recipes: ready flows with sample events, one file each, data only; `shelf` reads them when they are asked for."""
