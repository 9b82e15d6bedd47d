import Testing

@testable import DNSResolver
