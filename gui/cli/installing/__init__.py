"""Commands about the installation: a place in a menu, a bundle for machines without a network, what is newer."""
