import Testing

@testable import MailQueue
