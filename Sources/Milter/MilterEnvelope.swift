import Basics
import MailSyntax

/// What filters are told of a client.
package struct MilterClient: Sendable {
  /// Its address.
  package var peer: IPAddress
  /// Its port.
  package var port: Int
  /// Our name (macro `j`).
  package var hostname: String
  /// The listener's name (macro `{daemon_name}`).
  package var listener: String

  /// Collects it.
  package init(peer: IPAddress, port: Int, hostname: String, listener: String) {
    self.peer = peer
    self.port = port
    self.hostname = hostname
    self.listener = listener
  }
}

/// What a stage of the dialogue comes to.
package enum MilterVerdict: Sendable, Equatable {
  /// Go on.
  case proceed
  /// Answer with this instead; a 421 ends the session.
  case refuse(SMTPReply)
  /// Take the message and throw it away.
  case discard
}

/// What all filters together made of a message.
package struct MilterResult: Sendable {
  /// The message, changed or not.
  package var message: FilteredMessage
  /// Recipients that were added.
  package var added: [String] = []
  /// Recipients that were taken out.
  package var removed: [String] = []
  /// Another reverse path, without brackets; empty for `<>`.
  package var sender: String?
  /// Why the message is to be held.
  package var quarantine: String?
}
