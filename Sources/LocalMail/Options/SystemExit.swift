import MailSyntax

/// The exit codes that programs calling `sendmail` know (sysexits.h of 4.3BSD).
package enum SystemExit: Int32, Sendable, Equatable {
  /// Done.
  case ok = 0
  /// The command line makes no sense.
  case usage = 64
  /// The message cannot be used.
  case data = 65
  /// A recipient's mailbox does not exist.
  case noUser = 67
  /// A recipient's host does not exist.
  case noHost = 68
  /// Refused for good.
  case unavailable = 69
  /// Something inside is broken.
  case software = 70
  /// The system did not give what was needed.
  case osError = 71
  /// The message could not be read.
  case ioError = 74
  /// It may work later.
  case tryLater = 75
  /// This user may not.
  case noPermission = 77
  /// The configuration is wrong.
  case configuration = 78

  /// The code for a reply of a submission.
  package init(_ reply: SMTPReply) {
    if reply.isPositive || reply.isIntermediate {
      self = .ok
    } else if reply.isTransient {
      self = .tryLater
    } else {
      switch reply.enhanced ?? "" {
      case "5.1.1", "5.2.1": self = .noUser
      case "5.1.2": self = .noHost
      case let status where status.hasPrefix("5.7."): self = .noPermission
      case let status where status.hasPrefix("5.5."): self = .usage
      case "5.6.0": self = .data
      default: self = .unavailable
      }
    }
  }
}
