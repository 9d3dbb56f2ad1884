"""The public site: a module for each page or kind of answer, over a snapshot it only reads."""
