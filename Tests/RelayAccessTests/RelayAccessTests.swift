import Testing

@testable import RelayAccess
