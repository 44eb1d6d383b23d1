"""A bundle: all wheels for one platform in a zip, with what makes an environment of them without a network."""
