def explode():
    return {}["missing"]


explode()
