import Testing

@testable import SMTPClient
