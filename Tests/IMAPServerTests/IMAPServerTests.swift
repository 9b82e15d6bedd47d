import Testing

@testable import IMAPServer
