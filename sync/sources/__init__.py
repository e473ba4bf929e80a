"""Which directories can be read? One module a vendor, each a sync.ports.DirectorySource over HTTP."""
