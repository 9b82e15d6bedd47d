import Basics
import MailQueue
import MailSyntax
import SMTPClient

/// A message in the form a server can take.
struct ShapedMessage: Sendable {
  var content: MessageContent
  var is8Bit: Bool
  var isBinary: Bool
}

/// Fits messages to what servers offer: as they are, or rewritten (RFC 6152 section 3, RFC 3030 section 3).
struct MessageShaper: Sendable {
  let queue: MailQueue
  let live: LiveSettings

  /// The settings as they are now.
  var settings: DeliverySettings { live.value }

  /// The form for a server.
  ///
  /// - Throws: ``AttemptText`` when there is none, or the message cannot be read.
  func shape(
    _ message: QueuedMessage, _ content: MessageContent, for extensions: RemoteExtensions
  ) async throws(AttemptText) -> ShapedMessage {
    let is8Bit = message.traits.contains(.eightBit)
    let isBinary = message.traits.contains(.binary)
    if isBinary ? extensions.binaryMIME && extensions.chunking : !is8Bit || extensions.eightBitMIME {
      return ShapedMessage(content: content, is8Bit: is8Bit, isBinary: isBinary)
    }
    let goal: MessageConversion.Goal = extensions.eightBitMIME ? .eightBit : .sevenBit
    do {
      let octets = try await convert(content, to: goal)
      return ShapedMessage(
        content: .bytes(octets), is8Bit: goal == .eightBit && octets.contains { $0 >= 0x80 }, isBinary: false)
    } catch let error as MessageConversion.Impossible {
      let lacking = isBinary ? "BINARYMIME" : "8BITMIME"
      throw .inconvertible(
        "Sorry, \(extensions.serverName) does not offer \(lacking), and this message cannot be converted: \(error)",
        status: isBinary ? "5.6.1" : "5.6.3")
    } catch {
      throw .unreadable
    }
  }

  /// A binary message as a mailbox keeps it.
  ///
  /// - Throws: `MessageConversion.Impossible`, or the system's error.
  func convert(_ content: MessageContent, to goal: MessageConversion.Goal) async throws -> [UInt8] {
    guard content.size <= settings.conversionLimit else {
      throw MessageConversion.Impossible("it is larger than \(settings.conversionLimit) octets")
    }
    return try await queue.onFileThread {
      guard let octets = HeaderScan.head(content, limit: content.size) else {
        throw QueueError.storage("the message cannot be read")
      }
      return try MessageConversion.convert(octets, to: goal)
    }
  }
}
