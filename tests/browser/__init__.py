"""The built book in a real browser. Without a browser or a built book there is one skip."""
