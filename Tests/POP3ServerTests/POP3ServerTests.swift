import Testing

@testable import POP3Server
