import Basics
import Logging

/// Writes log lines to stderr: time, level, room, text, then facts as `key=value`.
///
/// Whatever came from a client has its control characters escaped, so that nobody can forge a line.
package struct LineLogHandler: LogHandler {
  /// Facts that every line of this logger carries.
  package var metadata: Logger.Metadata = [:]
  /// Lines below this level are dropped.
  package var logLevel: Logger.Level
  private let label: String
  private let stream: LogStream

  /// Makes a handler for a room.
  package init(label: String, level: Logger.Level) { self.init(label: label, level: level, stream: .standardError) }

  init(label: String, level: Logger.Level, stream: LogStream) {
    self.label = label
    self.stream = stream
    logLevel = level
  }

  /// A fact of this logger.
  package subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line.
  package func log(event: LogEvent) {
    var text = "\(Timestamp.systemNow.rfc3339) \(event.level) \(label): "
    Self.escape("\(event.message)", into: &text)
    let facts = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
    for (key, value) in facts.sorted(by: { $0.key < $1.key }) {
      text += " \(key)="
      Self.escape("\(value)", into: &text)
    }
    text += "\n"
    stream.append(text)
  }

  private static func escape(_ text: String, into output: inout String) {
    for scalar in text.unicodeScalars {
      if scalar.value < 0x20 || scalar.value == 0x7f || (0x80..<0xa0).contains(scalar.value) {
        output += "\\x" + String(scalar.value, radix: 16)
      } else {
        output.unicodeScalars.append(scalar)
      }
    }
  }
}
