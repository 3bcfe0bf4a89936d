"""Data sets with the methods of `tf.data.Dataset`: `day33.tf.data` and the data sets that `day33.utils` makes."""
