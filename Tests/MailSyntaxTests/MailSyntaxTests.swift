import Testing

@testable import MailSyntax
