"""What a report says of images from elsewhere: tests on data sets of their own, and images predicted for review."""
