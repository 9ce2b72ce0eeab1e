"""What moves on Stellar, and how it is proven to have moved once."""
