"""What each setting means, in German.

Not here: English, which is in the table of settings itself (settings_table.py).
"""

from __future__ import annotations

MEANINGS: dict[str, str] = {
    "IMMICH_INSTANCE_URL": "die Adresse des Immich-Servers, mit oder ohne /api; muss sein",
    "IMMICH_API_KEY": "der Schlüssel des Benutzers, dessen Fotos abgeglichen werden; muss sein, wird nie gezeigt",
    "IMMICH_API_KEYS": "mehrere Benutzer statt einem: Name und Schlüssel eines jeden, anna:KEY1,ben:KEY2, in der "
    "Reihenfolge des Abgleichs; wird nie gezeigt",
    "IMMICH_PHOTO_DIR": "wo die Originale auf diesem Rechner liegen; auch PHOTO_DIR",
    "IMMICH_PATH_MAP": "Paare SERVER=HIER, getrennt durch Semikolons: welcher Ordner des Servers hier welcher ist; das "
    "längste passende gilt",
    "IMMICH_PATH_SEGMENTS": "ohne passendes Paar: so viele letzte Teile des Serverpfads werden in IMMICH_PHOTO_DIR "
    "gesucht (1 bis 10)",
    "TZ": "die Zeitzone für Zeitpunkte, zu denen Immich keine kennt",
    "IMMICH_LOG_FILE": "die Protokolldatei; - für keine; auch LOG_FILE",
    "IMMICH_LOG_FORMAT": "text oder json: die Form einer Protokollzeile",
    "IMMICH_STRUCTURED_LOGS": "true ist dasselbe wie IMMICH_LOG_FORMAT=json",
    "CAPTION_MAX_LEN": "Bildtexte werden nach so vielen Zeichen abgeschnitten",
    "IMMICH_ALBUM_CACHE_TTL": "Sekunden, in denen die gemerkten Alben gelten, ohne dass der Server gefragt wird",
    "IMMICH_ALBUM_CACHE_MAX_STALE": "Sekunden, die sie alt sein dürfen, wenn der Server nicht antwortet",
    "IMMICH_ASSET_BATCH_SIZE": "nach so vielen Fotos wird notiert, wie weit der Lauf ist, mindestens jede Sekunde",
    "IMMICH_SEARCH_PAGE_SIZE": "so viele Fotos werden auf einmal erfragt",
    "IMMICH_RATE_LIMIT": "Anfragen an den Server je Sekunde, zum Beispiel 5 oder 0.5",
    "IMMICH_LIVE_PHOTOS": "both oder still: ob das Video eines Live-Fotos bekommt, was das Bild bekommt",
    "IMMICH_META_REFRESH": "ob Immich nach einem Lauf gebeten wird, geänderte Dateien neu einzulesen; --refresh geht "
    "vor",
    "IMMICH_META_XMP_ENGINE": "womit XMP geschrieben wird: exempi, builtin, oder auto: Exempi, wenn es da ist",
    "IMMICH_META_STATE_DIR": "der Ordner des Gedächtnisses: was erledigt ist, und wie es sich zurücknehmen lässt; "
    "leer: wo das System so etwas ablegt",
    "IMMICH_META_SIDECAR_DIR": "alles kommt in Begleitdateien dort; wo die Fotos liegen, wird nichts geschrieben",
    "IMMICH_META_KEEP_UNDO": "so viele Tage lang lässt sich ein Lauf zurücknehmen; 0: gar nicht",
    "IMMICH_META_JOBS": "so viele Prozesse schreiben (0 bis 64); leer: so viele wie Kerne, höchstens 4",
    "IMMICH_META_FILE_TIMEOUT": "Sekunden; eine Datei, die länger braucht, wird aufgegeben",
    "IMMICH_META_SCHEDULE": "wann immich-meta watch syncht: ein Abstand (6h, 1d12h) oder eine Cron-Zeile (0 3 * * "
    "*); --every und --cron gehen vor",
    "IMMICH_META_SYNC_OPTIONS": "was immich-meta watch syncht: Optionen von immich-meta sync; die der Befehlszeile "
    "kommen dazu und gehen vor",
    "IMMICH_META_HEALTH_FILE": "in dieser Datei sagt immich-meta watch, wie seine Läufe gehen; leer: watch.json im "
    "Ordner des Zustands",
    "BACKUP_TARGET": "der Ordner der Datenbanksicherungen; ein Lauf, der schreibt, warnt, wenn die neueste zu alt ist",
    "DB_BACKUP_MAX_AGE_DAYS": "so viele Tage alt darf eine Sicherung sein",
    "KEEP_BACKUPS": "so viele seiner Sicherungen behält immich-meta backup",
    "DB_HOST": "wo Immichs PostgreSQL antwortet; auch DB_HOSTNAME",
    "DB_PORT": "der Port von PostgreSQL",
    "DB_USERNAME": "der Benutzer der Datenbank",
    "DB_PASSWORD": "sein Passwort; wird nie gezeigt",
    "DB_NAME": "der Name der Datenbank; auch DB_DATABASE_NAME",
    "FLASK_HOST": "wo die Seite im Browser zu erreichen ist; anders als von diesem Rechner aus nur mit Passwort",
    "FLASK_PORT": "ihr Port",
    "FLASK_DEBUG": "true: ihr eigenes Protokoll sagt mehr",
    "FLASK_SECRET_KEY": "unterschreibt ihre Cookies, mindestens 16 Zeichen; leer: einer, der im Ordner des "
    "Gedächtnisses bleibt",
    "IMMICH_META_WEB_PASSWORD": "ihr Passwort, mindestens 8 Zeichen; leer: sie gibt einen Link zum Anmelden aus",
}
