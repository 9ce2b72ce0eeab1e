"""What the server consists of, put together area by area for `api.main`."""
