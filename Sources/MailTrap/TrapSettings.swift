/// The numbers of the trap.
package struct TrapSettings: Sendable {
  /// The folder messages lie in.
  package var folder: String
  /// Messages kept; the oldest go first.
  package var messages = 1000
  /// Octets of a message.
  package var messageSize = 25 << 20
  /// Recipients of a message.
  package var recipients = 1000
  /// Octets of a command line.
  package var lineLimit = 12_288
  /// Time for the next command or octets.
  package var timeout: Duration = .seconds(300)
  /// Whether MAIL wants a login first; any login is taken.
  package var wantsLogin = false
  /// The name in the greeting.
  package var hostname = "trap.localhost"

  /// The defaults for a folder.
  package init(folder: String) { self.folder = folder }
}
