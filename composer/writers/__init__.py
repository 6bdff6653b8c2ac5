"""Writers fill the script table: a language model behind a server, or rules that work offline."""
