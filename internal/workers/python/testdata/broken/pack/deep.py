import pack.nothing
