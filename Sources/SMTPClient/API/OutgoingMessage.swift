import Basics

/// One transaction's worth of mail: an envelope and the message's octets.
package struct OutgoingMessage: Sendable {
  /// The reverse path without brackets, in the form it is sent; empty for `<>`.
  package var sender: String
  /// The forward paths.
  package var recipients: [OutgoingRecipient]
  /// Octets sent before the content, for instance a `Received:` line; must end in CRLF when not empty.
  package var prefix: [UInt8]
  /// The message as stored: CRLF line ends; bare CR and LF are mended on the way out.
  package var content: MessageContent
  /// Whether the content has octets above 127 (RFC 6152).
  package var is8Bit: Bool
  /// Whether bare CR, LF or NUL may occur, so that the peer must offer BINARYMIME and CHUNKING (RFC 3030).
  package var isBinary: Bool
  /// Whether REQUIRETLS goes with it (RFC 8689); the session must be under verified TLS.
  package var requiresTLS: Bool
  /// Whether the envelope or the header has UTF-8 (RFC 6531), so that the peer must offer SMTPUTF8.
  package var needsUTF8: Bool
  /// RET of RFC 3461: `FULL` or `HDRS`.
  package var ret: String?
  /// ENVID of RFC 3461, still in xtext.
  package var envelopeID: String?

  /// Makes a transaction.
  package init(
    sender: String, recipients: [OutgoingRecipient], prefix: [UInt8] = [], content: MessageContent,
    is8Bit: Bool = false, isBinary: Bool = false, needsUTF8: Bool = false, requiresTLS: Bool = false,
    ret: String? = nil, envelopeID: String? = nil
  ) {
    self.sender = sender
    self.recipients = recipients
    self.prefix = prefix
    self.content = content
    self.is8Bit = is8Bit
    self.isBinary = isBinary
    self.requiresTLS = requiresTLS
    self.needsUTF8 = needsUTF8
    self.ret = ret
    self.envelopeID = envelopeID
  }
}

/// One forward path and its DSN parameters.
package struct OutgoingRecipient: Sendable {
  /// The address without brackets, in the form it is sent.
  package var address: String
  /// NOTIFY of RFC 3461 (`NEVER`, or a list of `SUCCESS,FAILURE,DELAY`); `nil` when the client gave none.
  package var notify: String?
  /// ORCPT of RFC 3461, `rfc822;` and xtext.
  package var originalRecipient: String?

  /// Makes a recipient.
  package init(_ address: String, notify: String? = nil, originalRecipient: String? = nil) {
    self.address = address
    self.notify = notify
    self.originalRecipient = originalRecipient
  }
}
