/// Every number the store works by, with its default.
package struct MailStoreSettings: Sendable {
  /// The host's name, written into file names.
  package var hostname: String
  /// Directory that new mailboxes are copied from; `nil` uses the built-in template.
  package var templateDirectory: String?
  /// Threads that write, fsync and read message files.
  package var fileThreads = 16
  /// Threads on which account indexes work.
  package var indexThreads = 8
  /// Octets of memory for mailbox views; least recently used ones without listeners go first.
  package var viewCacheBytes = 256 << 20
  /// Index databases open at once.
  package var openIndexes = 64
  /// Message files open at once for sessions.
  package var openMessageFiles = 4096
  /// Directories watched by inotify at once (two per mailbox); others are polled.
  package var watchedDirectories = 40_000
  /// How often mailboxes with listeners but without a watch are looked at.
  package var pollInterval = Duration.seconds(1)
  /// After so many of these intervals the indexes and text indexes that nobody used are closed.
  package var restIntervals = 10
  /// Folders in one account.
  package var foldersPerAccount = 20_000
  /// Octets of a folder's whole name on disk.
  package var folderNameBytes = 240
  /// Levels of a folder's name.
  package var folderDepth = 32
  /// Keywords in one mailbox; the index has room for 64.
  package var keywordsPerMailbox = 64
  /// Octets of one keyword.
  package var keywordBytes = 128
  /// Expunged UIDs remembered per folder for QRESYNC.
  package var rememberedExpunges = 100_000
  /// Age at which files in `tmp/` are removed at start (maildir(5): 36 hours).
  package var temporaryFileAge = Duration.seconds(36 * 3600)
  /// How long expunged mail is kept as hard links for undelete; `nil` keeps none.
  package var undelete: Duration?
  /// Octets of expunged mail kept per account; the oldest goes first.
  package var undeleteBytes: Int64 = 1 << 30
  /// Percentage of the quota at which the owner gets a warning message; 0 sends none.
  package var quotaWarningPercent = 90
  /// Least time between two warnings.
  package var quotaWarningInterval = Duration.seconds(86_400)
  /// How long a quota's use as last read answers whether a message fits (RCPT), without looking at `maildirsize`.
  package var quotaFreshness = Duration.seconds(5)
  /// Percentage of the quota up to which it answers so; above it the file is looked at.
  package var quotaAmplePercent = 90
  /// Age at which `maildirsize` written by others is counted again (Maildir++: 15 minutes).
  package var maildirsizeAge = Duration.seconds(15 * 60)
  /// Size in octets at which `maildirsize` is written anew (Maildir++: 5120).
  package var maildirsizeBytes = 5120
  /// Whether the text of messages is indexed for SEARCH.
  package var textIndex = true
  /// Octets of one message's text that are indexed; for what lies behind, SEARCH reads the file.
  package var textMessageBytes = 1 << 20
  /// Octets an account's text index may have; messages above it are searched in their files.
  package var textIndexBytes: Int64 = 4 << 30
  /// How long new messages wait to be indexed together with others.
  package var fillDelay = Duration.milliseconds(500)
  /// Batches (64 messages, or 256 KiB of text) indexed of one account before it is the next one's turn.
  package var fillSteps = 64
  /// Messages written or read for somebody in a second above which indexing waits.
  package var fillBusyRate = 100
  /// How often, 100 ms each time, one batch waits for that.
  package var fillPatience = 50
  /// Accounts that may wait to be indexed in the background.
  package var waitingFills = 4096
  /// Imported messages that get their names and UIDs in one step, while others wait for the index.
  package var importBatch = 4096
  /// Octets of them at most.
  package var importBatchBytes: Int64 = 256 << 20
  /// How long a statement waits for another process's transaction before it fails as temporary.
  package var databaseBusy = Duration.seconds(5)

  /// Settings with defaults.
  ///
  /// - Parameter hostname: the host's name, for instance `mail.example.test`.
  package init(hostname: String, templateDirectory: String? = nil) {
    self.hostname = hostname
    self.templateDirectory = templateDirectory
  }
}
