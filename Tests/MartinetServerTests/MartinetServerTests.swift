import Testing

@testable import MartinetServer
