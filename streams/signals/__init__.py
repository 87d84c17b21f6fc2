"""What viewers' doing is taken to mean: outcomes, watch quality, worth, and whom not to believe."""
