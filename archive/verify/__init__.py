"""Is everything that is kept still what it was, and does the archive agree with it?"""
