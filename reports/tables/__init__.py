"""Tables and searches as data: which cell stands where, what is compared with what, and who comes out best."""
