"""Customer listeners, carrier connections and the tick that joins them."""
