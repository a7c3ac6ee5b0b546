"""Coming from another product: its definitions to our configuration, with every setting accounted for."""
