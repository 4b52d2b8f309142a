"""From a documentation page to the contract, and from the contract to the generated client."""
