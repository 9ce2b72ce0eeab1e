"""What flat fees come to for each creator."""
