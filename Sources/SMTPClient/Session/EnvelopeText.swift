/// MAIL and RCPT as they are written, with the parameters the server can take.
enum EnvelopeText {
  static func mail(_ message: OutgoingMessage, size: Int, extensions: RemoteExtensions) -> String {
    var text = "MAIL FROM:<\(message.sender)>"
    if extensions.size != nil { text += " SIZE=\(size)" }
    if message.isBinary {
      text += " BODY=BINARYMIME"
    } else if message.is8Bit || message.needsUTF8, extensions.eightBitMIME {
      text += " BODY=8BITMIME"
    }
    if message.needsUTF8 { text += " SMTPUTF8" }
    if message.requiresTLS { text += " REQUIRETLS" }
    if extensions.dsn {
      if let ret = message.ret { text += parameter("RET", ret) }
      if let envelopeID = message.envelopeID { text += parameter("ENVID", envelopeID) }
    }
    return text
  }

  static func recipient(_ recipient: OutgoingRecipient, extensions: RemoteExtensions) -> String {
    var text = "RCPT TO:<\(recipient.address)>"
    if extensions.dsn {
      if let notify = recipient.notify { text += parameter("NOTIFY", notify) }
      if let original = recipient.originalRecipient { text += parameter("ORCPT", original) }
    }
    return text
  }

  /// A parameter, or nothing when its value would break the line: a value is printable ASCII without spaces.
  private static func parameter(_ name: String, _ value: String) -> String {
    let isClean = !value.isEmpty && value.utf8.count <= 500 && value.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    return isClean ? " \(name)=\(value)" : ""
  }
}
