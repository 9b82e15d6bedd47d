import Basics

/// The numbers of the log.
package struct MailLogSettings: Sendable {
  /// How long events are kept (`log.retention`).
  package var retention: Duration = .seconds(30 * 86_400)
  /// Events kept at most (`log.events`); the oldest go first.
  package var events = 10_000_000
  /// How often what came together is written.
  package var interval: Duration = .milliseconds(500)
  /// Events held in memory while the disk does not take them; more are counted as lost.
  package var buffer = 50_000
  /// Different counts held in memory.
  package var counts = 20_000
  /// Octets kept of a remote's words.
  package var textLimit = 1000
  /// Octets kept of an address, an id or a name.
  package var nameLimit = 320
  /// Events one question brings back at most.
  package var answerLimit = 10_000

  /// The defaults.
  package init() {}
}
